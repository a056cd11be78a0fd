"""A server of the Model Context Protocol with one tool, which GLMScope starts by itself.

It stands in glmscope.toml: [tools.mcp.library]. Needs the package `mcp`.
"""

from mcp.server.mcpserver import MCPServer

PLACES = {"红楼梦": "三楼 B 区", "西游记": "二楼 A 区"}

server: MCPServer[None] = MCPServer("library", log_level="ERROR")


@server.tool()
def find_book(title: str) -> str:
    """查询一本书在图书馆的位置"""
    return PLACES.get(title, "没有这本书")


if __name__ == "__main__":
    server.run()
