// Reads vitest's JSON report and prints what failed and what was skipped (in CI a skip is a failure), and, as the
// last line, `N passed, N failed`. Arguments: report file, failed checks before the tests, exit code of the test run.
import { readFileSync } from "node:fs";

const [reportFile, failedChecks = "0", testStatus = "0"] = process.argv.slice(2);

function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile ?? "", "utf8"));
  } catch (error) {
    console.log(`no test report: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

const report = readReport();
let passed = 0;
let failed = Number(failedChecks);
if (failed > 0) console.log(`${failed} of the checks before the tests failed`);
if (report === undefined) failed += 1;
for (const file of report?.testResults ?? []) {
  const tests = file.assertionResults ?? [];
  if (file.status === "failed" && !tests.some((test) => test.status === "failed")) {
    failed += 1;
    console.log(`failed: ${file.name}: ${String(file.message ?? "").split("\n")[0]}`);
  }
  for (const test of tests) {
    if (test.status === "passed") {
      passed += 1;
      continue;
    }
    failed += 1;
    const why = test.status === "failed" ? "failed" : `skipped (${test.status})`;
    const message = String(test.failureMessages?.[0] ?? "").split("\n")[0];
    console.log(`${why}: ${file.name}: ${test.fullName}${message === "" ? "" : `: ${message}`}`);
  }
}
// A crash outside any test, such as an unhandled rejection, shows only in the exit code.
if (failed === 0 && Number(testStatus) !== 0) {
  failed += 1;
  console.log(`the test run ended with exit code ${testStatus}`);
}
console.log(`${passed} passed, ${failed} failed`);
