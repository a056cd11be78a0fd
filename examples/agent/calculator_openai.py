"""A tool of the server's: it computes, and the program sees each step as it happens.

Set OPENAI_BASE_URL to the server's address with /v1, and OPENAI_API_KEY.
"""

from openai import OpenAI


def main() -> None:
    """Ask with the plugin, and print the steps and the answer while they are made."""
    stream = OpenAI().chat.completions.create(
        model="chatglm3-6b",
        messages=[{"role": "user", "content": "12345 乘以 98765 是多少？"}],
        extra_body={"plugins": ["calculator"]},
        stream=True,
    )
    for chunk in stream:
        choice = chunk.choices[0]
        for message in (choice.model_extra or {}).get("messages", []):
            if "plugin_call" in message:
                print("call:", message["plugin_call"]["arguments"])
            elif message["role"] == "plugin":
                print("result:", message["content"])
        print(choice.delta.content or "", end="")
    print()


if __name__ == "__main__":
    main()
