/** Lets a program see, hold and order statements at the moment at which they run, with their slot and their lock. */
import type { Session } from './sessions.js';
import type { Statement } from './statement-kind.js';
import type { Reply } from './wire-replies.js';

/** A statement that needs the warehouse, and changes a table. */
export interface Running {
  readonly statement: Statement;
  readonly session: Session;
  /** Its first bind. */
  readonly bind: string | undefined;
}

/** Runs the statement by calling `run` once. */
export type Watcher = (running: Running, run: () => Promise<Reply>) => Promise<Reply>;

export class Watch {
  #watcher: Watcher | undefined;

  /** One watcher at a time; `undefined`: none. */
  put(watcher: Watcher | undefined): void {
    this.#watcher = watcher;
  }

  around(session: Session, statement: Statement, body: object, run: () => Promise<Reply>): Promise<Reply> {
    if (this.#watcher === undefined || statement.table === undefined) return run();
    const { bindings } = body as { readonly bindings?: Readonly<Record<string, { readonly value?: string }>> };
    return this.#watcher({ statement, session, bind: bindings?.['1']?.value }, run);
  }
}
