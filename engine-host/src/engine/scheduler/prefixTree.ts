/** What is known of finished requests: a radix tree over tokens, whose leaves own the sequences that hold keys and values. */
import { commonPrefix } from '../disk/commonPrefix.ts';
import type { NativeModel } from '../native/binding.ts';

/** A beginning that can be shared: fork `sequence` at `length`. */
export interface KnownPrefix {
  readonly sequence: number;
  readonly length: number;
}

/** An edge of the tree and its lower end. Every leaf's sequence holds the tokens of its whole path, no more. */
interface Node {
  tokens: readonly number[];
  parent: Node | undefined;
  /** Tokens from the root to its lower end. */
  depth: number;
  readonly children: Map<number, Node>;
  /** Of leaves only. */
  sequence: number | undefined;
  /** Counts up with every use. */
  usedAt: number;
}

/** Sequences are only memory, but each takes a little even when all its blocks are shared. */
const MOST_LEAVES = 1024;

/**
 * One tree for each set of adapters (`adapterKey`). A beginning is as recently used as the last request that shared it; blocks go
 * from the end of the least recently used branch. Use only between steps.
 */
export class PrefixTree {
  readonly #model: Pick<NativeModel, 'freeSequence' | 'truncateSequence'>;
  readonly #mostLeaves: number;
  readonly #roots = new Map<string, Node>();
  readonly #leaves = new Set<Node>();
  /** Native ids of adapters that were unloaded. */
  readonly #dropped = new Set<number>();
  #clock = 0;

  constructor(model: Pick<NativeModel, 'freeSequence' | 'truncateSequence'>, mostLeaves = MOST_LEAVES) {
    this.#model = model;
    this.#mostLeaves = mostLeaves;
  }

  /** Branches. */
  get size(): number {
    return this.#leaves.size;
  }

  /** The longest beginning of `tokens`, up to `limit`, that some branch of the same adapters holds; it counts as used just now. */
  find(key: string, tokens: readonly number[], limit: number): KnownPrefix | undefined {
    const root = this.#roots.get(key);
    if (root === undefined) return undefined;
    const { node, matched } = this.#walk(root, tokens, limit);
    const end = matched === node.depth || node.parent === undefined ? node : this.#split(node, matched);
    this.#touch(end);
    let leaf = end;
    for (let next: Node | undefined = end; next !== undefined; [next] = next.children.values()) leaf = next;
    return matched === 0 || leaf.sequence === undefined ? undefined : { sequence: leaf.sequence, length: matched };
  }

  /** Takes ownership of a sequence that holds exactly `tokens`, at least one. What the tree already knows is freed. */
  add(key: string, tokens: readonly number[], sequence: number): void {
    if ([...this.#dropped].some((id) => usesAdapter(key, id))) {
      this.#model.freeSequence(sequence);
      return;
    }
    let root = this.#roots.get(key);
    if (root === undefined) this.#roots.set(key, (root = newNode([], undefined, 0)));
    const { node, matched } = this.#walk(root, tokens, tokens.length);
    if (matched === tokens.length) {
      this.#model.freeSequence(sequence);
      this.#touch(matched === node.depth ? node : this.#split(node, matched));
      return;
    }
    const above = matched === node.depth ? node : this.#split(node, matched);
    const leaf = newNode(tokens.slice(matched), above, tokens.length);
    leaf.sequence = sequence;
    // The longer branch holds all that the shorter one held.
    if (above.sequence !== undefined) this.#disown(above);
    above.children.set(tokens[matched] ?? -1, leaf);
    this.#leaves.add(leaf);
    this.#touch(leaf);
    while (this.#leaves.size > this.#mostLeaves) this.evict(Infinity);
  }

  /** Gives up the least recently used branches, at least one: this share of all. */
  shrink(share: number): void {
    for (let i = Math.ceil(share * this.#leaves.size); i > 0; i--) this.evict(Infinity);
  }

  /** Gives up `tokens` or fewer from the end of the least recently used branch, at least one; false when there is nothing. */
  evict(tokens: number): boolean {
    let oldest: Node | undefined;
    for (const leaf of this.#leaves) if (oldest === undefined || leaf.usedAt < oldest.usedAt) oldest = leaf;
    if (oldest === undefined) return false;
    const { parent, sequence } = oldest;
    if (tokens < oldest.tokens.length) {
      oldest.tokens = oldest.tokens.slice(0, -tokens);
      oldest.depth -= tokens;
      if (sequence !== undefined) this.#model.truncateSequence(sequence, oldest.depth);
      return true;
    }
    parent?.children.delete(oldest.tokens[0] ?? -1);
    if (parent?.parent !== undefined && parent.children.size === 0 && sequence !== undefined) {
      // What other requests shared outlives what only this one used.
      this.#leaves.delete(oldest);
      this.#model.truncateSequence(sequence, parent.depth);
      parent.sequence = sequence;
      this.#leaves.add(parent);
    } else this.#disown(oldest);
    return true;
  }

  /** Nobody can ask for this adapter again: what was computed with it is freed, now and when it comes. */
  dropAdapter(id: number): void {
    this.#dropped.add(id);
    for (const [key, root] of this.#roots) {
      if (!usesAdapter(key, id)) continue;
      this.#roots.delete(key);
      for (const leaf of [...this.#leaves]) if (rootOf(leaf) === root) this.#disown(leaf);
    }
  }

  clear(): void {
    for (const leaf of [...this.#leaves]) this.#disown(leaf);
    this.#roots.clear();
  }

  /** The node in which the common beginning ends, and its length in tokens: within the node's edge, or at its end. */
  #walk(root: Node, tokens: readonly number[], limit: number): { readonly node: Node; readonly matched: number } {
    let node = root;
    let matched = 0;
    while (matched < limit) {
      const next = node.children.get(tokens[matched] ?? -1);
      if (next === undefined) break;
      const length = commonPrefix(next.tokens, tokens, limit - matched, matched);
      matched += length;
      node = next;
      if (length < next.tokens.length) break;
    }
    return { node, matched };
  }

  /** Cuts a node's edge at `depth`, which lies inside of it. @returns the upper part */
  #split(node: Node, depth: number): Node {
    const { parent } = node;
    if (parent === undefined) throw new Error('The root of a prefix tree has no edge.');
    const cut = depth - parent.depth;
    const above = newNode(node.tokens.slice(0, cut), parent, depth);
    above.usedAt = node.usedAt;
    parent.children.set(node.tokens[0] ?? -1, above);
    node.tokens = node.tokens.slice(cut);
    node.parent = above;
    above.children.set(node.tokens[0] ?? -1, node);
    return above;
  }

  #touch(node: Node): void {
    const now = ++this.#clock;
    for (let at: Node | undefined = node; at !== undefined; at = at.parent) at.usedAt = now;
  }

  #disown(leaf: Node): void {
    this.#leaves.delete(leaf);
    if (leaf.sequence !== undefined) this.#model.freeSequence(leaf.sequence);
    leaf.sequence = undefined;
  }
}

function newNode(tokens: readonly number[], parent: Node | undefined, depth: number): Node {
  return { tokens, parent, depth, children: new Map(), sequence: undefined, usedAt: 0 };
}

function rootOf(node: Node): Node {
  let root = node;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

function usesAdapter(key: string, id: number): boolean {
  return key.split(' ').some((part) => part.startsWith(`${id}:`));
}
