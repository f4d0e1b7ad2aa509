import Augmentation
import Datasets
import LanguageModel
import Settings
import TestSupport
import Testing

/// A small run against llama.cpp's server with a real model in every role.
///
/// `SLUICE_SKIP_LANGUAGE_MODEL=1` leaves it out.
@Suite(.enabled(if: !LanguageModelServer.isSkipped))
struct RealServerTests {
  @Test func aRealModelMakesRowsThatReadBackAndRepeat() async throws {
    let server = try await LanguageModelServer()
    let directory = try TemporaryDirectory()
    var settings = AugmentationSettings()
    var endpoint = LanguageModelSettings(url: server.url)
    endpoint.concurrentRequestsMax = 2
    settings.generator = endpoint
    settings.refuser = endpoint
    settings.complier = endpoint
    settings.teacher = TeacherSettings(server: endpoint, template: .fewShot)
    var plan = AugmentationPlan()
    plan.instructions = 2
    plan.responseTokensMax = 12
    plan.instructionTokensMax = 48
    plan.refusalTrials = 1
    let sources = AugmentationSources(
      examples: ScriptedWorld.exemplars.enumerated().map {
        LabelledExample(id: "\($0.offset)", prompt: $0.element, isUnsafe: true)
      }, evaluation: [])
    let files = Augmentation.Files(output: directory.path + "/rows.jsonl")
    let manifest = try await Augmentation(
      plan: plan, servers: AugmentationServers.connect(settings), sources: sources, files: files,
      concurrency: 2
    ).run()
    #expect(manifest.ended == "finished")
    #expect(manifest.servers.values.allSatisfy { $0.model == LanguageModelServer.model })
    #expect(manifest.counts.rows["empty"] == 2)
    #expect(manifest.tokens > 100)
    let rows = try DatasetFile.read(files.output)
    #expect(rows.count == manifest.counts.rowsTotal)
    #expect(rows.allSatisfy { $0.teacherScore.map { (0...1).contains($0) } == true })
  }
}
