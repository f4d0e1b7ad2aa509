import ArgumentParser
import Augmentation
internal import Sections
import Settings

/// The files of `sluice augment`.
struct AugmentDataOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption, help: "Labelled JSON lines; their harmful prompts are the exemplars.")
  var data: [String]

  @Option(
    parsing: .upToNextOption, help: "Evaluation sets whose prompts must not come out again.")
  var exclude: [String] = []

  @Option(name: .shortAndLong, help: "Where the rows are added.")
  var output: String
}

/// The servers of `sluice augment`.
struct AugmentServerOptions: ParsableArguments {
  @Option(help: "A YAML file with servers; the options below override it.")
  var config: String?

  @Option(help: "The server that invents instructions.")
  var generator: String?
  @Option(help: "Its model; by default the first that it lists.")
  var generatorModel: String?

  @Option(help: "The server that refuses them; without it there are no refusal rows.")
  var refuser: String?
  @Option(help: "Its model.")
  var refuserModel: String?

  @Option(help: "The server that follows them; without it there are no harmful answers.")
  var complier: String?
  @Option(help: "Its model.")
  var complierModel: String?

  @Option(help: "The server that labels; without it a row's kind is its label.")
  var teacher: String?
  @Option(help: "Its model.")
  var teacherModel: String?
  @Option(help: "How the teacher is asked: llama_guard_3 or few_shot.")
  var teacherTemplate: TeacherSettings.Template?
  @Option(help: "Labelled JSON lines as shots for few_shot.")
  var teacherShots: String?

  func validate() throws {
    if generator == nil, config == nil {
      throw ValidationError("--generator or --config is needed: instructions come from there")
    }
    for (model, server, name) in [
      (generatorModel, generator, "generator"), (refuserModel, refuser, "refuser"),
      (complierModel, complier, "complier"), (teacherModel, teacher, "teacher"),
      (teacherShots, teacher, "teacher"), (teacherTemplate?.rawValue, teacher, "teacher"),
    ] where model != nil && server == nil {
      throw ValidationError("--\(name) is needed beside the options that begin with its name")
    }
    if teacherShots != nil, teacherTemplate != .fewShot {
      throw ValidationError("--teacher-shots belongs to --teacher-template few_shot")
    }
  }

  /// The servers of the file with those of the options instead.
  func settings() throws -> AugmentationSettings {
    var settings = AugmentationSettings()
    if let config {
      do throws(SettingsError) {
        settings = try AugmentationSettings(file: config)
      } catch {
        printError(error.description)
        throw fail("mistakes in \(config)", code: 78)
      }
    }
    func server(_ url: String?, _ model: String?) -> LanguageModelSettings? {
      url.map { LanguageModelSettings(url: $0, model: model ?? "") }
    }
    settings.generator = server(generator, generatorModel) ?? settings.generator
    settings.refuser = server(refuser, refuserModel) ?? settings.refuser
    settings.complier = server(complier, complierModel) ?? settings.complier
    if let teacher = server(teacher, teacherModel) {
      settings.teacher = TeacherSettings(
        server: teacher, template: teacherTemplate ?? .llamaGuard3, shots: teacherShots)
    }
    return settings
  }
}

extension TeacherSettings.Template: ExpressibleByArgument {}

/// The bounds of `sluice augment`.
struct AugmentLimitOptions: ParsableArguments {
  @Option(help: "Tokens of an instruction at most.")
  var instructionTokens = 96

  @Option(help: "Tokens of a response at most.")
  var responseTokens = 256

  @Option(help: "Requests at most, of this and earlier runs of the same output.")
  var requestsMax: Int?

  @Option(help: "Tokens read and generated at most, likewise.")
  var tokensMax: Int?

  @Option(help: "Hours of this run at most.")
  var hoursMax: Double?

  func validate() throws {
    try Augment.check(instructionTokens, "--instruction-tokens", 8...4096)
    try Augment.check(responseTokens, "--response-tokens", 1...65_536)
    try Augment.check(requestsMax, "--requests-max", 1...(1 << 40))
    try Augment.check(tokensMax, "--tokens-max", 1...(1 << 50))
    if let hoursMax, !(hoursMax > 0 && hoursMax <= 8784) {
      throw ValidationError("--hours-max: expected a number above 0, at most 8784")
    }
  }

  func apply(to plan: inout AugmentationPlan) {
    plan.instructionTokensMax = instructionTokens
    plan.responseTokensMax = responseTokens
    plan.budget.requestsMax = requestsMax
    plan.budget.tokensMax = tokensMax
    plan.budget.durationMax = hoursMax.map { .seconds($0 * 3600) }
  }
}
