/** Entry of the engine child: the only process that loads the addon. The front starts it with the pipe as descriptor 3. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { toWireError } from '#protocol/errors.ts';
import { serveEngine } from './engineServer.ts';
import type { NativeAddon } from './native/binding.ts';
import { VERSION } from './version.ts';
import { addonPath, loadAddon } from './native/loadAddon.ts';

/** Descriptor of the engine pipe in the child. */
const PIPE_FD = 3;

function main(): void {
  const file = addonPath(process.env, import.meta.url);
  const addon = loadAddon(file);
  tellForcedIsa(addon);
  serveEngine({
    addon,
    stream: new Socket({ fd: PIPE_FD, readable: true, writable: true }),
    now: () => performance.now(),
    build: `${VERSION} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`,
    onClosed: (reason) => {
      if (reason !== undefined) console.error(reason.message);
      // Not `exit`, which waits for native threads: nothing here needs saving, and the front may be dead.
      process.kill(process.pid, 'SIGKILL');
    },
  });
}

/** A wish that cannot be met must not go unnoticed: its line lands in the log. */
function tellForcedIsa(addon: NativeAddon): void {
  const wanted = process.env['ZELL_ISA'] ?? '';
  const { isa, supported } = addon.cpu();
  if (wanted === '' || wanted === isa) return;
  const names = supported.join(', ');
  console.error(`ZELL_ISA=${wanted.slice(0, 40)} cannot be used; supported here: ${names}; using ${isa}.`);
}

// Ctrl-C in a terminal reaches the whole group; the front decides when the engine ends.
process.on('SIGINT', () => undefined);

try {
  main();
} catch (error) {
  // The front shows the last line of a child that ended before its hello.
  console.error(toWireError(error).message);
  process.exit(1);
}
