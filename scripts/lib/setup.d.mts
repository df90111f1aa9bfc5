export const ROOT: string;
export function setup(options?: { dev?: boolean; say?: (line: string) => void }): Promise<void>;
