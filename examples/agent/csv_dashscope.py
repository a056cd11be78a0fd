"""Data analysis: the model writes code, the server runs it in a sandbox, a picture comes back.

The server has to run with --interpreter. Set DASHSCOPE_HTTP_BASE_URL to its address with /api/v1,
and DASHSCOPE_API_KEY.
"""

import base64
import json
from pathlib import Path

from dashscope import Generation


def upload() -> dict:
    """A file for the sandbox, where it lies at /mnt/data/sales.csv."""
    table = "month,sales\n1,120\n2,150\n3,90\n4,210\n"
    return {"name": "sales.csv", "data": base64.b64encode(table.encode()).decode()}


def show(message: dict) -> None:
    """Print a step, and keep the files that the model's code made in the current directory."""
    if "plugin_call" in message:
        print(json.loads(message["plugin_call"]["arguments"])["code"])
    elif message["role"] == "plugin":
        print("result:", message["content"])
        for file in message.get("files", []):
            # The code chose the name: keep the last part of it.
            path = Path(Path(file["name"]).name)
            path.write_bytes(base64.b64decode(file["data"]))
            print("file:", path)


def main() -> None:
    """Ask about the file, and print code, results and the answer as they come."""
    responses = Generation.call(
        "chatglm3-6b",
        messages=[{"role": "user", "content": "画出每个月的销售额，并告诉我平均值。"}],
        result_format="message",
        plugins={"code_interpreter": {}},
        plugin_files=[upload()],
        incremental_output=True,
        stream=True,
    )
    for response in responses:
        if response.status_code != 200:
            raise SystemExit(response.message)
        choice = response.output.choices[0]
        for message in choice.get("messages") or []:
            show(message)
        print(choice.message.content, end="")
    print()


if __name__ == "__main__":
    main()
