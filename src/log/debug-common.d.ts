/** The core of the package `debug`, which has no types of its own. */
declare module 'debug/src/common.js' {
  interface Environment {
    readonly load: () => string | undefined;
    readonly save: (namespaces: string | undefined) => void;
    readonly useColors: () => boolean;
    readonly colors: readonly number[];
    readonly formatArgs: (args: unknown[]) => void;
    readonly log: (...args: unknown[]) => void;
  }
  interface Debug {
    (namespace: string): { (format: string, ...values: readonly unknown[]): void; readonly enabled: boolean };
    readonly enable: (namespaces: string) => void;
    readonly disable: () => string;
    readonly formatters: Record<string, (value: unknown) => string>;
  }
  export default function setup(environment: Environment): Debug;
}
