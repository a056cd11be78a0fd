"""A tool of the server's: it computes, and the program sees each step.

Set DASHSCOPE_HTTP_BASE_URL to the server's address with /api/v1, and DASHSCOPE_API_KEY.
"""

from dashscope import Generation


def main() -> None:
    """Ask with the plugin, and print the steps and the answer."""
    response = Generation.call(
        "chatglm3-6b",
        messages=[{"role": "user", "content": "12345 乘以 98765 是多少？"}],
        result_format="message",
        plugins={"calculator": {}},
    )
    if response.status_code != 200:
        raise SystemExit(response.message)
    for message in response.output.choices[0]["messages"]:
        if "plugin_call" in message:
            print("call:", message["plugin_call"]["arguments"])
        elif message["role"] == "plugin":
            print("result:", message["content"])
    print(response.output.choices[0].message.content.strip())


if __name__ == "__main__":
    main()
