// The official TypeScript SDK: the 1.x line (@modelcontextprotocol/sdk) and the 2.x line (@modelcontextprotocol/client).
// node typescript.mjs <plan.json> <report.json> sdk|client [legacy|modern]; lies beside node_modules when it runs.
// The 2.x line asks for the newest version only when it is told to negotiate.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [planFile, reportFile, line, era] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, 'utf8'));
const me = { name: 'taskip-interop', version: '1.0.0' };

async function parts() {
  if (line === 'sdk') {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    return { Client, StdioClientTransport, StreamableHTTPClientTransport };
  }
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  return { Client, StdioClientTransport, StreamableHTTPClientTransport };
}

async function listed(client) {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools(cursor ? { cursor } : undefined);
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor);
  return tools;
}

async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  const text = result.content.map((block) => block.text ?? '').join('\n');
  return { tool: name, error: result.isError === true, text };
}

async function step(client, { tool, arguments: args, confirm }) {
  const first = await call(client, tool, args);
  if (!confirm || first.error) return first;
  const code = /"confirm_code":"([^"]+)"/.exec(first.text);
  return call(client, tool, { ...args, confirm: true, ...(code ? { confirm_code: code[1] } : {}) });
}

function version() {
  const require = createRequire(import.meta.url);
  const entry = require.resolve(line === 'sdk' ? '@modelcontextprotocol/sdk/client/index.js' : '@modelcontextprotocol/client');
  let folder = dirname(entry);
  for (;;) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (version) return `${name} ${version}`;
    } catch { /* not here */ }
    folder = dirname(folder);
  }
}

const { Client, StdioClientTransport, StreamableHTTPClientTransport } = await parts();
const report = { client: version(), schemas: {}, refused: {}, calls: {} };
for (const kind of ['stdio', 'http']) {
  const transport =
    kind === 'stdio' ? new StdioClientTransport(plan.stdio) : new StreamableHTTPClientTransport(new URL(plan.http));
  const client = new Client(me, era === 'modern' ? { versionNegotiation: { mode: 'auto' } } : undefined);
  await client.connect(transport);
  report.schemas[kind] = Object.fromEntries((await listed(client)).map((tool) => [tool.name, tool.inputSchema]));
  report.calls[kind] = [];
  for (const each of plan.steps[kind]) report.calls[kind].push(await step(client, each));
  if (era) {
    const spoken = client.getNegotiatedProtocolVersion();
    if ((era === 'modern') !== (spoken >= '2026-07-28')) throw new Error(`${kind}: ${spoken} was spoken, not ${era}`);
    report.client = `${version()}, ${spoken}`;
  }
  await client.close();
}
writeFileSync(reportFile, JSON.stringify(report));
