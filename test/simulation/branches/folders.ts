/** Which sources the simulation must cover, and which it cannot. */

export const FOLDERS = ['src/client', 'src/pool', 'src/fleet', 'src/step', 'src/store'] as const;

/** Sources that do not count, by their beginnings, each with the reason. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'src/store/sqlite/helper/': 'the worker thread: a simulation has one event loop',
  'src/store/sqlite/connection/open-session.ts':
    "the driver's session of a file, and its worker thread: a database in memory is opened by its own class",
  'src/store/snowflake/session/': "the driver's session: the modelled warehouse stands for the driver",
  'src/store/sqlite/schema/': 'the schema',
  'src/store/snowflake/schema.ts': 'the schema',
  'src/store/snowflake/opening/':
    'the schema: whether it is there, of which kind and version, and for whom; it is there',
  'src/store/snowflake/schema-version-guard.ts': 'the schema: whether a newer version of the library has changed it',
  'src/store/diagnosis/': 'the schema, its place and its settings, examined for `fleet-q doctor`',
  'src/store/sqlite/diagnosis/': 'the same, of a file: a database in memory has none',
  'src/store/snowflake/diagnosis/': 'the same, of an account: a model has none',
};

export type Folder = (typeof FOLDERS)[number];

/** The folder to which a source counts. */
export function folderOf(file: string): Folder | undefined {
  if (Object.keys(LEFT_OUT).some((beginning) => file.startsWith(beginning))) return undefined;
  return FOLDERS.find((folder) => file.startsWith(`${folder}/`));
}
