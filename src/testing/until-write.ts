/** Keeps the answer to a question about the steps until one of them is changed. */
import type { MemoryStore } from './memory-store.js';

export class UntilWrite<T> {
  readonly #store: Pick<MemoryStore, 'version'>;
  readonly #ask: () => Promise<T>;
  #version = -1;
  #answer: Promise<T> | undefined;

  constructor(store: Pick<MemoryStore, 'version'>, ask: () => Promise<T>) {
    this.#store = store;
    this.#ask = ask;
  }

  answer(): Promise<T> {
    const { version } = this.#store;
    if (this.#answer === undefined || version !== this.#version) {
      this.#version = version;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }
}
