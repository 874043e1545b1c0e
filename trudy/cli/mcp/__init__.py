"""`trudy mcp`: the API as tools for an agent, over the Model Context Protocol. Needs the extra `mcp`.

command          the command
server           the MCP server: lists the tools and runs them
reading          tools that read, made of the tables of operations
calling          the two tools that call: what would happen, then the call
guard            which calls are allowed: numbers, count, plans; pure
numbers          the file of numbers that may be called
results          what an answer shows to an agent: no secrets, numbers masked
standard_input   lines that Ctrl-C need not wait for
"""
