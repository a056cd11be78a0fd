"""Data analysis: the model writes code, the server runs it in a sandbox, a picture comes back.

The server has to run with --interpreter. Set OPENAI_BASE_URL to its address with /v1, and
OPENAI_API_KEY.
"""

import base64
import json
from pathlib import Path

from openai import OpenAI


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
    """Ask about the file, and print code, results and the answer."""
    completion = OpenAI().chat.completions.create(
        model="chatglm3-6b",
        messages=[{"role": "user", "content": "画出每个月的销售额，并告诉我平均值。"}],
        extra_body={"plugins": ["code_interpreter"], "plugin_files": [upload()]},
    )
    choice = completion.choices[0]
    for message in choice.model_extra["messages"]:
        show(message)
    print(choice.message.content)


if __name__ == "__main__":
    main()
