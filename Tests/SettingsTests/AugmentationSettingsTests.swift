import Sections
import Settings
import TestSupport
import Testing

@Suite struct AugmentationSettingsTests {
  private func problems(_ yaml: String) -> [String] {
    do throws(SettingsError) {
      _ = try AugmentationSettings(yaml: yaml, file: "a.yaml")
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func theExampleShowsTheDefaults() throws {
    let file = SourceTree.url("config/augment.example.yaml").path
    let settings = try AugmentationSettings(file: file)
    let generator = LanguageModelSettings(
      url: "http://localhost:8000", model: "google/gemma-1.1-2b-it")
    #expect(settings.generator == generator)
    #expect(settings.refuser == LanguageModelSettings(url: "http://localhost:8001"))
    #expect(settings.complier == LanguageModelSettings(url: "http://localhost:8002"))
    let teacher = LanguageModelSettings(
      url: "http://localhost:8003", model: "meta-llama/Llama-Guard-3-8B")
    #expect(settings.teacher == TeacherSettings(server: teacher))
  }

  @Test func rolesMayBeAbsent() throws {
    let settings = try AugmentationSettings(yaml: "generator: {url: http://h}", file: "a.yaml")
    #expect(settings.generator?.url == "http://h")
    #expect(settings.refuser == nil && settings.complier == nil && settings.teacher == nil)
  }

  @Test(arguments: [
    ("generator: {model: m}", "a.yaml:1:12: generator.url: is required"),
    ("generater: {url: http://h}", "a.yaml:1:1: generater: unknown key; did you mean generator?"),
    (
      "refuser: {url: host}",
      "a.yaml:1:16: refuser.url: expected an address that begins with http:// or https://"
    ),
    (
      "teacher: {url: http://h, template: llama}",
      "a.yaml:1:36: teacher.template: expected one of: llama_guard_3, few_shot"
    ),
    (
      "teacher: {url: http://h, shots: s}",
      "a.yaml:1:33: teacher.shots: belongs to the template few_shot"
    ),
    (
      "complier: {url: http://h, api_key_file: f, api_key_variable: V}",
      "a.yaml:1:62: complier.api_key_variable: stands beside api_key_file: give one of them"
    ),
    (
      "complier: {url: http://h, attempts_max: 0}",
      "a.yaml:1:41: complier.attempts_max: expected a whole number from 1 to 20"
    ),
  ])
  func mistakesAreShownWhereTheyStand(yaml: String, problem: String) {
    #expect(problems(yaml) == [problem])
  }
}
