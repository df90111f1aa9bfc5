// The licences of all packages whose code goes into dist/, as the file that travels with it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Compiled into the addons, so no bundle names them. */
const IN_ADDONS = ['node_modules/node-addon-api', 'node_modules/node-api-headers'];
const LICENCE = /^(licen[cs]e|copying|notice)([.-]|$)/i;

/**
 * @param {string} root
 * @param {Iterable<string>} inputs files that were bundled, relative to `root`
 * @returns {string} each package once, by name, with its version and the text of its licence
 * @throws {Error} when a package has neither a licence file nor a licence in its package.json
 */
export function thirdPartyNotices(root, inputs) {
  const folders = new Set(IN_ADDONS.filter((folder) => existsSync(path.join(root, folder))));
  for (const input of inputs) {
    const folder = packageFolder(input);
    if (folder !== undefined) folders.add(folder);
  }
  const notices = new Map([...folders].map((folder) => noticeOf(path.join(root, folder))));
  const sorted = [...notices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return `Zell contains code of these packages.\n\n${sorted.join('\n')}`;
}

/** The innermost package that a file belongs to; undefined for our own files. */
function packageFolder(file) {
  return /^(.*node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+)/.exec(file)?.[1];
}

function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => LICENCE.test(file));
  if (files.length === 0 && typeof license !== 'string') throw new Error(`${name} says nothing about its licence.`);
  const texts = files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
  const title = `${name} ${version}${typeof license === 'string' ? ` (${license})` : ''}`;
  return [title, `${'='.repeat(title.length)}\n${title}\n\n${texts.join('\n\n')}\n`];
}
