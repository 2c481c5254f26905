/**
 * Loads the module that a worker runs, and finds what it exports: a queue, or step definitions.
 *
 * Invariants:
 * - What is found is recognized by what it can do, not by its class: the module may import another copy of the package.
 * - Every refusal names the module, and says what it should export.
 */
import type { AnyFleetQ, FleetQOptions } from '../../index.js';
import { UsageError } from '../exit-codes.js';
import { resolveModule } from './resolve-module.js';

export type StepDefinitions = NonNullable<FleetQOptions['steps']>;

/** What a worker runs. With definitions, the worker makes the queue. */
export type Loaded = { readonly url: string } & (
  | { readonly queue: AnyFleetQ; readonly steps?: undefined }
  | { readonly queue?: undefined; readonly steps: StepDefinitions }
);

/** How long the top level of a module may await something, in ms. */
const LOADED_WITHIN_MS = 60_000;

/** @throws UsageError if the module cannot be loaded in time, or exports nothing that a worker can run */
export async function loadModule(
  name: string,
  cwd: string = process.cwd(),
  withinMs: number = LOADED_WITHIN_MS,
): Promise<Loaded> {
  const url = resolveModule(name, cwd);
  const found = new Found(name);
  for (const [key, value] of await load(url, name, withinMs)) found.add(key, value);
  const queue = found.queue();
  return queue === undefined ? { url, steps: found.steps() } : { url, queue };
}

type Namespace = Readonly<Record<string, unknown>>;
type Exports = readonly (readonly [key: string, value: unknown])[];

async function load(url: string, name: string, withinMs: number): Promise<Exports> {
  let timer: NodeJS.Timeout | undefined;
  // It also keeps the process alive: Node.js ends one whose top-level await can never settle, with the code 13.
  const late = new Promise<never>((_, reject) => {
    const problem = `its top level still awaits something after ${withinMs / 1_000} s`;
    timer = setTimeout(() => reject(new Error(problem)), withinMs);
  });
  try {
    return exportsOf((await Promise.race([import(url), late])) as Namespace); // a getter of CommonJS may throw
  } catch (error) {
    throw new UsageError(`module ${JSON.stringify(name)}: ${whyNotLoaded(error, url)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

const TYPESCRIPT = /\.[mc]?tsx?$/;

function whyNotLoaded(error: unknown, url: string): string {
  const { code, message = String(error), name } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && TYPESCRIPT.test(url)) {
    return `Node.js ${process.version} does not run TypeScript; compile it to JavaScript, or use Node.js 22.18 or later (${message})`;
  }
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING' || code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return `Node.js ${process.version} cannot run this TypeScript; compile it to JavaScript (${message})`;
  }
  return `could not be loaded: ${name === undefined ? '' : `${name}: `}${message}`;
}

/** The exports of a module. Those of a CommonJS module are also fields of its default export. */
function exportsOf(module: Namespace): Exports {
  const { default: standard, 'module.exports': _, ...named } = module;
  const isPlain =
    typeof standard === 'object' &&
    standard !== null &&
    !Array.isArray(standard) &&
    !isQueue(standard) &&
    !isStep(standard);
  return [
    ...(isPlain ? Object.entries(standard) : standard === undefined ? [] : [['default', standard] as const]),
    ...Object.entries(named),
  ];
}

const EXPECTED =
  'expected a queue (`export default queue` or `export const queue`), or step definitions (`export const resize = ' +
  'defineStep({ … })`, or an array of them as the default export)';

class Found {
  readonly #module: string;
  readonly #queues = new Set<AnyFleetQ>();
  readonly #steps = new Set<StepDefinitions[number]>();
  readonly #others: string[] = [];

  constructor(name: string) {
    this.#module = `module ${JSON.stringify(name)}`;
  }

  add(key: string, value: unknown): void {
    if (isQueue(value)) this.#queues.add(value);
    else if (isStep(value)) this.#steps.add(value);
    else if (Array.isArray(value) && (key === 'default' || key === 'steps')) this.#addAll(key, value);
    else this.#others.push(key);
  }

  queue(): AnyFleetQ | undefined {
    const [queue, another] = this.#queues;
    if (another !== undefined) {
      throw new UsageError(
        `${this.#module}: exports ${this.#queues.size} queues; a worker runs one: export only that one`,
      );
    }
    return queue;
  }

  steps(): StepDefinitions {
    if (this.#steps.size > 0) return [...this.#steps];
    const exported = this.#others.length === 0 ? 'nothing' : `only ${this.#others.join(', ')}`;
    throw new UsageError(`${this.#module}: exports ${exported}; ${EXPECTED}`);
  }

  #addAll(key: string, values: readonly unknown[]): void {
    for (const [index, value] of values.entries()) {
      if (!isStep(value)) {
        throw new UsageError(`${this.#module}: ${key}[${index}] is no step definition; ${EXPECTED}`);
      }
      this.#steps.add(value);
    }
  }
}

const QUEUE_METHODS = ['start', 'stop', 'submit', 'health', 'on'] as const;

function isQueue(value: unknown): value is AnyFleetQ {
  if (typeof value !== 'object' || value === null) return false;
  return QUEUE_METHODS.every((method) => typeof (value as Namespace)[method] === 'function');
}

function isStep(value: unknown): value is StepDefinitions[number] {
  if (typeof value !== 'object' || value === null) return false;
  const { type, run } = value as Namespace;
  return typeof type === 'string' && typeof run === 'function';
}
