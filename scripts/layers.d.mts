import type { Linter } from 'eslint';
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>>;
export const VSCODE_ROOMS: readonly string[];
export const NO_NODE_ROOMS: readonly string[];
export const ADDON_OPENERS: readonly string[];
export const MAY_INCLUDE: Readonly<Record<string, readonly string[]>>;
export function layerConfigs(importPlugin: unknown, root: string): Linter.Config[];
