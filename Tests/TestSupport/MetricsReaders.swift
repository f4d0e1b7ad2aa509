import Foundation

/// Checks pages of metrics with the tools that read them: Prometheus' promtool, and its client for
/// Python.
package enum MetricsReaders {
  /// What the tools complain about; empty for a good page.
  ///
  /// - Parameter format: `prometheus` or `openmetrics`.
  package static func complaints(about page: String, format: String) throws -> String {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/page.txt"
    try page.write(toFile: file, atomically: true, encoding: .utf8)
    let parser =
      format == "prometheus" ? "prometheus_client.parser" : "prometheus_client.openmetrics.parser"
    let script = """
      import sys
      from \(parser) import text_fd_to_metric_families as families
      names = [family.name for family in families(open(sys.argv[1], encoding="utf-8"))]
      assert len(names) > 5 and len(set(names)) == len(names), names
      """
    var output = try run("python3", ["-c", script, file], in: directory)
    if format == "prometheus" {
      output += try run("promtool", ["check", "metrics"], input: file, in: directory)
    }
    return output
  }

  /// Why rules are none, or why their tests fail; empty where all is well.
  ///
  /// - Parameter command: `check` or `test`.
  package static func complaints(aboutRules file: String, command: String) throws -> String {
    let directory = try TemporaryDirectory()
    let output = try run("promtool", [command, "rules", file], in: directory)
    return output.contains("SUCCESS") && !output.contains("FAILED") ? "" : output
  }

  /// What a tool prints; ends with its status unless that is 0.
  private static func run(
    _ program: String, _ arguments: [String], input: String = "/dev/null",
    in directory: TemporaryDirectory
  ) throws -> String {
    let output = "\(directory.path)/\(program).out"
    let process = try ChildProcess(
      try TestProgram.path(program), arguments, input: input, output: output)
    let ending = process.wait(within: .seconds(60))
    let text = try String(contentsOfFile: output, encoding: .utf8)
    return ending == .exited(0) ? text : "\(text)\(program): \(String(describing: ending))\n"
  }
}
