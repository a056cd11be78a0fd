"""A tool of this program's own: the model asks for the weather, the program looks it up.

Set OPENAI_BASE_URL to the server's address with /v1, and OPENAI_API_KEY.
"""

import json

from openai import OpenAI

WEATHER = {"北京": "晴，12 度", "上海": "小雨，15 度"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "查询一个城市现在的天气",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "城市名"}},
            "required": ["city"],
        },
    },
}


def main() -> None:
    """Ask, answer every call of the model, and print what it says in the end."""
    client = OpenAI()
    messages = [{"role": "user", "content": "今天北京的天气怎么样？"}]
    while True:
        completion = client.chat.completions.create(
            model="chatglm3-6b", messages=messages, tools=[TOOL]
        )
        message = completion.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            city = json.loads(call.function.arguments)["city"]
            result = WEATHER.get(city, "没有这个城市")
            messages.append({"role": "tool", "content": result, "tool_call_id": call.id})
    print(message.content)


if __name__ == "__main__":
    main()
