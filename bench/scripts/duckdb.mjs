// usage: node duckdb.mjs FORMULATION IN OUT
//
// Row numbers decide which row is the last: DuckDB's own last() is not stable
// in a parallel GROUP BY. Times are read as TIMESTAMP in the typed
// formulations and stay text in the others.
import { DuckDBInstance, version } from "@duckdb/node-api";

const [formulation, input, output] = process.argv.slice(2);
if (formulation === "version") {
  console.log(`DuckDB ${version()}`);
  process.exit();
}

const columns = (time, price) => `{'symbol': 'VARCHAR', 'timestamp': '${time}', 'price': '${price}'}`;
const text = `read_csv('${input}', header = true, quote = '', escape = '', columns = ${columns("VARCHAR", "VARCHAR")})`;
const number = `read_csv('${input}', header = true, quote = '', escape = '', columns = ${columns("VARCHAR", "DOUBLE")})`;
const typed = `read_csv('${input}', header = true, columns = ${columns("TIMESTAMP", "DOUBLE")})`;

const numbered = (source) => `(SELECT *, row_number() OVER () AS n FROM ${source})`;
const argMax = (source) =>
  `SELECT symbol, timestamp, arg_max(price, n) AS price FROM ${numbered(source)} GROUP BY symbol, timestamp`;
const qualify = (source) =>
  `SELECT symbol, timestamp, price FROM ${numbered(source)}
   QUALIFY row_number() OVER (PARTITION BY symbol, timestamp ORDER BY n DESC) = 1`;
const antiJoin = `
  SELECT symbol, timestamp, price FROM t ANTI JOIN
  (SELECT symbol, timestamp, max(n) AS last FROM t GROUP BY ALL HAVING count(*) > 1) d
  ON t.symbol = d.symbol AND t.timestamp = d.timestamp AND t.n < d.last`;
const count = (source) =>
  `SELECT symbol, timestamp, count(*) AS occurrences, max(price) - min(price) AS price_shift FROM ${source}
   GROUP BY symbol, timestamp HAVING count(*) > 1`;

const to = (query) => `COPY (${query}) TO '${output}' (HEADER)`;
const anyOrder = "SET preserve_insertion_order = false";
const statements = {
  "last-argmax-typed": [to(argMax(typed))],
  "last-argmax-typed-anyorder": [anyOrder, to(argMax(typed))],
  "last-argmax-text": [to(argMax(text))],
  "last-qualify-typed": [to(qualify(typed))],
  "last-qualify-text": [to(qualify(text))],
  "last-antijoin-text": [`CREATE TEMP TABLE t AS SELECT * FROM ${numbered(text)}`, to(antiJoin)],
  "last-antijoin-typed": [`CREATE TEMP TABLE t AS SELECT * FROM ${numbered(typed)}`, to(antiJoin)],
  "count-typed": [to(count(typed))],
  "count-typed-anyorder": [anyOrder, to(count(typed))],
  "count-text": [to(count(number))],
}[formulation];

const connection = await (await DuckDBInstance.create(":memory:")).connect();
for (const statement of statements) await connection.run(statement);
