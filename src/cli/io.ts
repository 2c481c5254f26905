/** What a verb reads from and writes to: the streams and the environment of the process. */
import { EXIT, type ExitCode } from './exit-codes.js';
import { neutral } from './output/neutral.js';
import { Output } from './output/output.js';
import { paintFor, type Paint } from './output/colours.js';

export type Environment = Readonly<Record<string, string | undefined>>;

type Host = Pick<NodeJS.Process, 'env' | 'stdin' | 'stdout' | 'stderr'>;

export class Io {
  readonly env: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Colours for stdout. */
  readonly paint: Paint;
  /** How the process exits. A verb sets it if it ends without an error and is not quite successful. */
  exitCode: ExitCode = EXIT.ok;
  readonly #host: Host;
  #stdin: NodeJS.ReadStream | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.env = host.env;
    this.stdout = new Output(host.stdout);
    this.stderr = new Output(host.stderr);
    this.paint = paintFor(this.stdout, host.env);
  }

  get stdin(): NodeJS.ReadStream {
    return (this.#stdin ??= this.#host.stdin);
  }

  /** Stops reading: an open standard input would keep the process alive. */
  close(): void {
    this.#stdin?.destroy();
  }

  /** Writes one line to stderr. */
  complain(message: string): Promise<void> {
    return this.stderr.line(`fleet-q: ${neutral(message)}`);
  }
}
