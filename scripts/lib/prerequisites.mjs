// What a machine must have before Zell can be built, and the one sentence that says how to get it.
import { existsSync, readFileSync } from 'node:fs';
import { versionOf } from './run.mjs';

export const NODE_FLOOR = [20, 12];

const PACKAGES = {
  compiler: {
    debian: 'apt install build-essential',
    fedora: 'dnf install gcc-c++ make',
    arch: 'pacman -S base-devel',
    mac: 'xcode-select --install',
    windows: 'install "Desktop development with C++" of Visual Studio 2022',
  },
  cmake: {
    debian: 'apt install cmake',
    fedora: 'dnf install cmake',
    arch: 'pacman -S cmake',
    mac: 'brew install cmake',
    windows: 'winget install Kitware.CMake',
  },
  python: {
    debian: 'apt install python3 python3-pip',
    fedora: 'dnf install python3 python3-pip',
    arch: 'pacman -S python python-pip',
    mac: 'brew install python',
    windows: 'winget install Python.Python.3.12',
  },
};

/** `debian`, `fedora`, `arch`, `mac`, `windows`; Debian's words where nothing better is known. */
export function systemFamily(platform = process.platform, osRelease = readOsRelease()) {
  if (platform === 'darwin') return 'mac';
  if (platform === 'win32') return 'windows';
  if (/\b(fedora|rhel|centos)\b/i.test(osRelease)) return 'fedora';
  if (/\barch\b/i.test(osRelease)) return 'arch';
  return 'debian';
}

export function installLine(what, family = systemFamily()) {
  return PACKAGES[what][family];
}

/** Sentences for what is missing; empty when Zell can be built. */
export async function missingPrerequisites({ nodeVersion = process.versions.node, find = versionOf } = {}) {
  const missing = [];
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor < NODE_FLOOR[1]))
    missing.push(
      `Zell needs Node.js ${NODE_FLOOR.join('.')} or newer and this is ${nodeVersion}: install a current one from nodejs.org.`,
    );
  if (process.platform !== 'win32') {
    const compiler =
      process.env.CXX ??
      ((await find('c++')) === undefined && (await find('g++')) === undefined && (await find('clang++')) === undefined
        ? undefined
        : 'c++');
    if (compiler === undefined) missing.push(`A C++20 compiler is missing: ${installLine('compiler')}`);
    if ((await find('make')) === undefined && (await find('ninja')) === undefined)
      missing.push(`make (or ninja) is missing: ${installLine('compiler')}`);
  }
  if ((await find('cmake')) === undefined) missing.push(`CMake is missing: ${installLine('cmake')}`);
  return missing;
}

function readOsRelease() {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
}
