"""A small agent over MCP: the server calls a tool of an MCP server for the model.

Set DASHSCOPE_HTTP_BASE_URL to the server's address with /api/v1, and DASHSCOPE_API_KEY.
"""

from dashscope import Generation

QUESTIONS = ["《红楼梦》在哪里？", "那《西游记》呢？"]


def main() -> None:
    """Two questions in a row; the steps of the first go back with the second."""
    messages = []
    for question in QUESTIONS:
        messages.append({"role": "user", "content": question})
        response = Generation.call(
            "chatglm3-6b", messages=messages, result_format="message", plugins={"find_book": {}}
        )
        if response.status_code != 200:
            raise SystemExit(response.message)
        choice = response.output.choices[0]
        messages.extend(choice["messages"])
        print(choice.message.content.strip())


if __name__ == "__main__":
    main()
