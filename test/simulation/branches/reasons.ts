/** Sources whose branches no simulation takes, by their beginnings, with the reason. They count all the same. */
export const REASONS: Readonly<Record<string, string>> = {
  'src/store/sqlite/diagnosis/': 'the report of a file for `fleet-q doctor`: a database in memory has no file',
  'src/store/snowflake/diagnosis/':
    'the report of an account for `fleet-q doctor`, which asks what a model cannot answer',
  'src/store/sqlite/file/': 'files, their system, and what other processes write to them: a simulation has none',
};
