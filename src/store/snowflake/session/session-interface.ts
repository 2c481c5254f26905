/** What runs statements: a session, or something in front of it. */

/** A row as the driver gives it, by the names of its columns in capitals. */
export type Row = Readonly<Record<string, unknown>>;

export interface RunOptions {
  /** Numbers as the server wrote them. */
  readonly numbersAsText?: boolean;
  /** Instead of the rows, the columns: `NAME` and `KIND`, as the driver calls it. */
  readonly described?: boolean;
  /** Not sent again if its session was gone: a new session does not see at once what the old one has written. */
  readonly once?: boolean;
}

export interface StatementRunner {
  /** @param bind the statement's one bind, a JSON text */
  run(text: string, bind?: string, options?: RunOptions): Promise<Row[]>;
}

/** A runner for callers that have to know whether two statements ran on one connection. */
export interface SessionHandle extends StatementRunner {
  /** The number of the current connection. It rises with each new one; what an earlier one wrote counts as another session's. */
  readonly logins: number;
}
