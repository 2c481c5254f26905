/** Which sources the simulation must cover, and which it cannot. */

export const FOLDERS = ['src/client', 'src/pool', 'src/fleet', 'src/step', 'src/store'] as const;

/** Sources that do not count, by their beginnings, each with the reason. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'src/store/sqlite/helper/': 'the worker thread: a simulation has one event loop',
  'src/store/snowflake/session/': "the driver's session: the modelled warehouse stands for the driver",
  'src/store/sqlite/schema/': 'the schema',
  'src/store/snowflake/schema.ts': 'the schema',
};

export type Folder = (typeof FOLDERS)[number];

/** The folder to which a source counts. */
export function folderOf(file: string): Folder | undefined {
  if (Object.keys(LEFT_OUT).some((beginning) => file.startsWith(beginning))) return undefined;
  return FOLDERS.find((folder) => file.startsWith(`${folder}/`));
}
