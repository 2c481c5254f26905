/** Reads the metrics and labels that a PromQL expression names. */

export interface PromqlNames {
  readonly metrics: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

const TOKEN =
  /\s+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:ms|[smhdwy])?|[A-Za-z_:$][\w:$]*|=~|!~|==|!=|<=|>=|[-+*/%^<>=(){},@]/y;
/** Words that are followed by labels in parentheses. */
const BEFORE_LABELS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'atan2', 'inf', 'nan']);

/** @throws Error at a character that is no PromQL, and at parentheses that do not match */
export function promqlNames(expression: string): PromqlNames {
  const tokens = tokensOf(expression);
  const metrics = new Set<string>();
  const labels = new Set<string>();
  const open: ('(' | '{' | 'labels')[] = [];
  tokens.forEach((token, at) => {
    const before = tokens[at - 1] ?? '';
    if (token === '(') open.push(BEFORE_LABELS.has(before) ? 'labels' : '(');
    else if (token === '{') open.push('{');
    else if (token === ')' || token === '}') {
      if ((open.pop() === '{') !== (token === '}')) throw new Error(`"${token}" closes nothing in: ${expression}`);
    } else if (/^[A-Za-z_:]/.test(token)) {
      const inside = open.at(-1);
      const isFunction = tokens[at + 1] === '(' || ['by', 'without'].includes(tokens[at + 1] ?? '');
      if (inside === '{' || inside === 'labels') labels.add(token);
      else if (!isFunction && !OPERATORS.has(token) && !BEFORE_LABELS.has(token)) metrics.add(token);
    }
  });
  if (open.length > 0) throw new Error(`something is not closed in: ${expression}`);
  return { metrics, labels };
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex;
    const [token] = TOKEN.exec(expression) ?? [];
    if (token === undefined) throw new Error(`"${expression[at]}" is no PromQL, in: ${expression}`);
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens;
}
