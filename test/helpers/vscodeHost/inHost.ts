// Runs an extension-test module inside the offline host's extension host, with the command line of `code`:
// --extensionDevelopmentPath=DIR --extensionTestsPath=FILE [--install-extension=VSIX] [FOLDER]. Exit code: 0 passed, 1 failed, 2 no verdict.
import { format } from 'node:util';
import { launchBrowser, startHost } from './host.ts';

const args = process.argv.slice(2);
const valueOf = (name: string): string | undefined =>
  args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const development = valueOf('extensionDevelopmentPath');
const tests = valueOf('extensionTestsPath');
const vsix = process.env['ZELL_TEST_VSIX'];
const folder = args.find((arg) => !arg.startsWith('-'));
if (development === undefined || tests === undefined) {
  console.error(`only extension test runs: ${args.join(' ')}`);
  process.exit(2);
}

const TIMEOUT_MS = 180_000;
const NOISE =
  /^\s*(%c)?\s*(\[|Ignoring fetching|Creating a socket|Resolv|Updating additional|Error while fetching|Creation of workbench|Timed out waiting for auth|Canceled|No search provider|Error: Could not locate the bindings file|Request to 'http)/;

const forwarded = Object.entries(process.env).filter(([name]) => name.startsWith('ZELL_'));
const host = await startHost({
  vsix: vsix === undefined ? [] : [vsix],
  ...(folder === undefined ? { files: { 'a.ts': 'const hello = 1;\n' } } : { folder }),
  // A built workbench heeds extensionTestsPath in the payload only with this flag.
  flags: ['--vscode-option', 'enable-smoke-test-driver'],
  env: Object.fromEntries(forwarded.map(([name, value]) => [name, value ?? ''])),
});
const browser = await launchBrowser();
let code = 2;
try {
  const page = await browser.newPage();
  const verdict = new Promise<number>((resolve) => {
    void page.exposeFunction('codeAutomationExit', (value: number) => resolve(value === 0 ? 0 : 1));
  });
  await page.exposeFunction('codeAutomationLog', (_type: string, values: unknown[]) => {
    const text = format(...values);
    if (!NOISE.test(text)) console.log(text);
  });
  const uri = (file: string): string => `vscode-remote://127.0.0.1:${host.port}${file}`;
  await page.goto(
    host.url({
      payload: [
        ['extensionDevelopmentPath', uri(development)],
        ['extensionTestsPath', uri(tests)],
      ],
    }),
  );
  code = await Promise.race([verdict, crashed()]);
  if (code === 2) console.error(host.log().slice(-3000));
} finally {
  await browser.close();
  await host.stop();
}
process.exit(code);

/** 2 when the extension host died (it is never reported to the page) or no verdict came in time. */
async function crashed(): Promise<number> {
  const end = Date.now() + TIMEOUT_MS;
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (/Extension Host Process exited with code: \S+ signal: \S+/.test(host.log())) {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      return 2;
    }
  }
  return 2;
}
