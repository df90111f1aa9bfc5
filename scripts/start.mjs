// `npm start`: from a bare clone to a running engine that has answered its first prompt. `--once PROMPT` answers and ends.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT, setup } from './lib/setup.mjs';

const CLI = path.join(ROOT, 'dist/cli.mjs');
const FIRST_PROMPT = 'What is the capital of France?';

const argv = process.argv.slice(2);
if (argv.includes('--help')) {
  console.log(`usage: npm start [-- --once "PROMPT"]
Sets Zell up (packages, addon, default model), starts the engine on 127.0.0.1:11434 and asks one prompt.
  --once "PROMPT"   answer this prompt and end`);
} else {
  process.exitCode = await main();
}

async function main() {
  const once = argv.indexOf('--once');
  if (once !== -1 && argv[once + 1] === undefined) {
    console.error('npm start -- --once needs a prompt: npm start -- --once "What is the capital of France?"');
    return 2;
  }
  try {
    await setup();
  } catch (error) {
    console.error(error.expected ? error.message : `Setting up failed: ${error.message}`);
    return 1;
  }
  const fetched = await zell(['models', 'fetch', 'smollm2-135m']);
  if (fetched !== 0) return fetched;
  if (once !== -1) return zell(['run', argv[once + 1]]);
  return serve();
}

/** Runs the host in the foreground (or joins the one that runs), asks one prompt when it is ready, stays until Ctrl-C. */
async function serve() {
  const joined = (await zellJson(['status', '--json']))?.state === 'ready';
  let ended = Promise.resolve(0);
  if (!joined) {
    const host = spawn(process.execPath, [CLI, 'serve', ...argv], { stdio: 'inherit' });
    ended = new Promise((resolve) => host.once('exit', (code) => resolve(code ?? 0)));
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => host.kill(signal));
  }
  const ready = await Promise.race([waitUntilReady(), ...(joined ? [] : [ended.then((code) => ({ code }))])]);
  if (ready.code !== undefined) return ready.code;
  console.log(`\n> ${FIRST_PROMPT}`);
  await zell(['ask', FIRST_PROMPT]);
  console.log(`
In VS Code:   npm run package   then   code --install-extension zell-*.vsix
In a client:  OPENAI_BASE_URL=${ready.base}/v1   ANTHROPIC_BASE_URL=${ready.base}   OLLAMA_HOST=${ready.base}
${joined ? 'Zell was running already; "npm run zell -- stop" ends it.' : 'Ctrl-C ends it.'}`);
  return ended;
}

/** Polls the command line's own view of the host: it knows the home folder, the port and the token. */
async function waitUntilReady() {
  for (;;) {
    const status = await zellJson(['status', '--json']);
    if (status?.state === 'ready') return { base: `http://127.0.0.1:${status.port}` };
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

function zell(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: 'inherit' });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function zellJson(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.once('close', () => {
      try {
        resolve(JSON.parse(text));
      } catch {
        resolve(undefined);
      }
    });
  });
}
