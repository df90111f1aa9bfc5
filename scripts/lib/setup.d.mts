export const ROOT: string;
export function setup(options?: { dev?: boolean; say?: (line: string) => void }): Promise<void>;
export function configure(build: string, options: readonly string[]): Promise<void>;
export function parallel(): string;
