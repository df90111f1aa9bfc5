/** Of every command whose answer a program may read. */
export interface JsonOption {
  readonly json?: boolean;
}
