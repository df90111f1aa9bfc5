/** The child's end of the engine pipe: frames out, checked frames in, and the news that the front is gone. */
import type { Duplex } from 'node:stream';
import type { EngineFrame, FrontFrame } from '#protocol/engine.ts';
import { toWireError, type WireError } from '#protocol/errors.ts';
import { FrameDecoder, asFrontFrame, encodeFrame } from '#protocol/frames.ts';

export interface PipeListener {
  frame(frame: FrontFrame): void;
  /** The front closed the pipe or died (`reason` undefined), or sent what is no frame. Called once. */
  closed(reason: WireError | undefined): void;
}

export class EnginePipe {
  readonly #stream: Duplex;
  #open = true;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  listen(listener: PipeListener): void {
    const decoder = new FrameDecoder();
    const close = (reason: WireError | undefined): void => {
      if (!this.#open) return;
      this.#open = false;
      this.#stream.destroy();
      listener.closed(reason);
    };
    this.#stream.on('data', (chunk: Uint8Array) => {
      try {
        for (const value of decoder.push(chunk)) if (this.#open) listener.frame(asFrontFrame(value));
      } catch (error) {
        close(toWireError(error));
      }
    });
    this.#stream.on('end', () => close(undefined));
    this.#stream.on('close', () => close(undefined));
    this.#stream.on('error', () => close(undefined));
  }

  /** Nothing once the pipe is closed. A frame above the limit becomes an error for its call. */
  send(frame: EngineFrame): void {
    if (!this.#open) return;
    let bytes: Uint8Array;
    try {
      bytes = encodeFrame(frame);
    } catch (error) {
      if (!('id' in frame)) throw error;
      bytes = encodeFrame({ type: 'error', id: frame.id, error: toWireError(error) });
    }
    this.#stream.write(bytes);
  }
}
