// Holds processes to so much memory and so fast a disk: control groups of either version. Linux, and mostly root.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** What a file's disk is called by the kernel, `MAJOR:MINOR`: the whole disk's, as limits want it. */
export function diskOf(file: string): string | undefined {
  const own = deviceNumbers(statSync(file).dev);
  try {
    const folder = realpathSync(`/sys/dev/block/${own}`);
    // A partition lies in its disk's folder.
    const disk = existsSync(path.join(folder, 'partition')) ? path.dirname(folder) : folder;
    return readFileSync(path.join(disk, 'dev'), 'utf8').trim();
  } catch {
    return undefined; // of a file system without a disk of its own
  }
}

/** @param dev `st_dev` as Linux packs it */
export function deviceNumbers(dev: number): string {
  const device = BigInt(dev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** What one version of control groups calls things. */
interface Version {
  /** Folders of groups that a process must be in: of version 1, one for each of the two. */
  readonly memory: string;
  readonly disk: string;
  readonly limit: string;
  readonly setRate: (disk: string, bytesPerSecond: number) => readonly [file: string, text: string];
  /** A file with a line `oom_kill N`. */
  readonly events: string;
  readonly prepare?: () => void;
}

const NAME = `zell-bench-${process.pid}`;

const V1: Version = {
  memory: path.join(ROOT, 'memory', NAME),
  disk: path.join(ROOT, 'blkio', NAME),
  limit: 'memory.limit_in_bytes',
  setRate: (disk, rate) => ['blkio.throttle.read_bps_device', `${disk} ${rate}`],
  events: 'memory.oom_control',
};

const V2: Version = {
  memory: path.join(ROOT, NAME),
  disk: path.join(ROOT, NAME),
  limit: 'memory.max',
  setRate: (disk, rate) => ['io.max', `${disk} rbps=${rate}`],
  events: 'memory.events',
  prepare: () => {
    writeFileSync(path.join(ROOT, 'cgroup.subtree_control'), '+memory');
    writeFileSync(path.join(ROOT, 'cgroup.subtree_control'), '+io');
  },
};

export class Confinement {
  readonly #version: Version;
  readonly #hasRate: boolean;
  /** Why reads are as fast as the disk is; undefined while they are held down. */
  readonly unthrottled: string | undefined;

  private constructor(version: Version, unthrottled: string | undefined) {
    this.#version = version;
    this.#hasRate = unthrottled === undefined;
    this.unthrottled = unthrottled;
  }

  /** Groups for processes that read `file`, at `bytesPerSecond`. @returns why there can be none, instead */
  static make(file: string, bytesPerSecond: number): Confinement | string {
    if (process.platform !== 'linux') return 'control groups are Linux’s';
    const version = existsSync(path.join(ROOT, 'memory')) ? V1 : V2;
    try {
      version.prepare?.();
    } catch {
      // What is missing shows below.
    }
    try {
      mkdirSync(version.memory, { recursive: true });
      writeFileSync(path.join(version.memory, version.limit), String(2 ** 40));
    } catch (error) {
      return `no control group can be made: ${error instanceof Error ? error.message : String(error)}`;
    }
    return new Confinement(version, setRate(version, file, bytesPerSecond));
  }

  setMemory(bytes: number): void {
    writeFileSync(path.join(this.#version.memory, this.#version.limit), String(Math.floor(bytes)));
  }

  /** From now on the process, all its threads and those that it starts. What it has already stays with others. */
  enter(pid: number): void {
    writeFileSync(path.join(this.#version.memory, 'cgroup.procs'), String(pid));
    if (this.#hasRate && this.#version.disk !== this.#version.memory)
      writeFileSync(path.join(this.#version.disk, 'cgroup.procs'), String(pid));
  }

  /** Processes that the system has killed for memory. */
  killed(): number {
    const text = readFileSync(path.join(this.#version.memory, this.#version.events), 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  /** Bytes a second that a process in the group reads past the system's cache, in large pieces. */
  readRate(file: string): number {
    const [block, count] = [2 * 1024 * 1024, 128];
    const groups = [this.#version.memory, ...(this.#hasRate ? [this.#version.disk] : [])];
    const enter = groups.map((group) => `echo $$ > ${path.join(group, 'cgroup.procs')}`).join('; ');
    const read = `exec dd if="$0" of=/dev/null bs=${block} count=${count} iflag=direct status=none`;
    const pieces = Math.min(count, Math.floor(statSync(file).size / block));
    const started = performance.now();
    execFileSync('sh', ['-c', `${enter}; ${read}`, file]);
    return (pieces * block * 1000) / (performance.now() - started);
  }

  remove(): void {
    for (const folder of new Set([this.#version.memory, this.#version.disk])) {
      try {
        rmdirSync(folder);
      } catch {
        // Somebody is still in it, or it never was.
      }
    }
  }
}

/** @returns why not */
function setRate(version: Version, file: string, bytesPerSecond: number): string | undefined {
  const disk = diskOf(file);
  if (disk === undefined) return 'the file is on no disk of its own';
  try {
    mkdirSync(version.disk, { recursive: true });
    const [name, text] = version.setRate(disk, Math.floor(bytesPerSecond));
    writeFileSync(path.join(version.disk, name), text);
    return undefined;
  } catch (error) {
    return `the disk’s rate cannot be set: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Whatever is cached of files, or of this one where only root may drop all. */
export function dropCaches(file: string): void {
  execFileSync('sync', ['-f', file]);
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
  } catch {
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}
