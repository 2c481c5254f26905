/** Snowflake's own driver, with a short interface for tests. */
import type driverModule from 'snowflake-sdk';
import type { Bind, Connection, ConnectionOptions, RowStatement, StatementOption } from 'snowflake-sdk';

/** The driver, loaded late (it is heavy), and quiet. */
async function loadDriver(): Promise<typeof driverModule> {
  const { default: driver } = await import('snowflake-sdk');
  driver.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  return driver;
}

export type Row = Readonly<Record<string, any>>;

/** One connection of the driver. */
export class Driver {
  readonly connection: Connection;

  private constructor(connection: Connection) {
    this.connection = connection;
  }

  static async connect(options: ConnectionOptions): Promise<Driver> {
    const connection = (await loadDriver()).createConnection(options);
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => (error ? reject(error) : resolve()));
    });
    return new Driver(connection);
  }

  /** The rows of a statement; rejects with the driver's error. */
  run(sqlText: string, binds: readonly Bind[] = [], more: Partial<StatementOption> = {}): Promise<Row[]> {
    return this.start(sqlText, binds, more).rows;
  }

  /** The driver's statement too, such as for `cancel`. */
  start(
    sqlText: string,
    binds: readonly Bind[] = [],
    more: Partial<StatementOption> = {},
  ): { readonly statement: RowStatement; readonly rows: Promise<Row[]> } {
    let statement!: RowStatement;
    const rows = new Promise<Row[]>((resolve, reject) => {
      statement = this.connection.execute({
        ...{ sqlText, binds, ...more },
        complete: (error, _, found) => (error ? reject(error) : resolve(found ?? [])),
      });
    });
    return { statement, rows };
  }

  /** Logs out, also if the session has ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.connection.destroy(() => resolve());
    });
  }
}
