/** Reads a zip: the names in its central directory and the text of a member. Enough for a VSIX. */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const END = 0x06054b50;
const ENTRY = 0x02014b50;

export interface ZipMember {
  readonly name: string;
  readonly bytes: number;
  text(): string;
}

/** Its members in the order of the directory. @throws when the file is no zip */
export function readZip(file: string): ZipMember[] {
  const zip = readFileSync(file);
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new Error(`${file} is no zip`);
  const members: ZipMember[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let i = 0; i < zip.readUInt16LE(end + 10); i++) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Error(`${file}: the directory is damaged`);
    const nameLength = zip.readUInt16LE(at + 28);
    const entry = at;
    members.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameLength),
      bytes: zip.readUInt32LE(at + 24),
      text: () => memberText(zip, entry),
    });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return members;
}

function memberText(zip: Buffer, entry: number): string {
  const stored = zip.readUInt16LE(entry + 10) === 0;
  const size = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(data, data + size);
  return (stored ? bytes : inflateRawSync(bytes)).toString('utf8');
}
