export function systemFamily(platform?: string, osRelease?: string): string;
export function installLine(what: 'compiler' | 'cmake' | 'python', family?: string): string;
export function missingPrerequisites(options?: {
  nodeVersion?: string;
  find?: (command: string) => Promise<string | undefined>;
}): Promise<string[]>;
