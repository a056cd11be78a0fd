"""A small agent over MCP: the server calls a tool of an MCP server for the model.

Set OPENAI_BASE_URL to the server's address with /v1, and OPENAI_API_KEY.
"""

from openai import OpenAI

QUESTIONS = ["《红楼梦》在哪里？", "那《西游记》呢？"]


def main() -> None:
    """Two questions in a row; the steps of the first go back with the second."""
    client = OpenAI()
    messages = []
    for question in QUESTIONS:
        messages.append({"role": "user", "content": question})
        completion = client.chat.completions.create(
            model="chatglm3-6b", messages=messages, extra_body={"plugins": ["find_book"]}
        )
        choice = completion.choices[0]
        messages.extend(choice.model_extra["messages"])
        print(choice.message.content)


if __name__ == "__main__":
    main()
