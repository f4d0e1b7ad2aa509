import Hosting
import Settings
import TestSupport
import Testing

@Suite struct TransactionalIdentityTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func identity(
    kafka: String = "", engine: String = "{}", host: String = "h", instance: String? = nil,
    folder: String? = nil
  ) throws -> TransactionalIdentity {
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: none, group_id: g\(kafka)}
        topics: {input: in, verdicts: out}
        model: {path: /nowhere}
        engine: \(engine)
        """, file: "test")
    return TransactionalIdentity(
      settings: settings, host: host, instance: instance, folder: folder ?? directory.path)
  }

  @Test func theNameSaysWho() throws {
    #expect(try identity().name == "g-h")
    #expect(try identity(engine: "{device: \"cuda:1\"}").name == "g-h@cuda:1")
    #expect(try identity(engine: "{device: auto}").name == "g-h")
    #expect(try identity(engine: "{device: \"cuda:1\"}", instance: "b").name == "g-h@b")
  }

  @Test func namesThatAreGivenAreTaken() throws {
    for _ in 0..<2 {
      #expect(try identity(kafka: ", group_instance_id: i").name == "g-i")
      #expect(try identity(kafka: ", transactional_id: t").name == "t")
    }
  }

  @Test func eachTakesTheFirstNameThatIsFree() throws {
    let first = try identity()
    var second: TransactionalIdentity? = try identity()
    let third = try identity()
    #expect(first.name == "g-h")
    #expect(second?.name == "g-h#2")
    #expect(third.name == "g-h#3")
    // A successor has its predecessor's name.
    second = nil
    #expect(try identity().name == "g-h#2")
  }

  @Test func othersAreNotInTheWay() throws {
    let first = try identity()
    #expect(try identity(host: "other").name == "g-other")
    #expect(try identity(instance: "b").name == "g-h@b")
    #expect(first.name == "g-h")
  }

  @Test func withoutAPlaceForLocksTheNameIsThatOfTheFirst() throws {
    #expect(try identity(folder: directory.path + "/none").name == "g-h")
  }

  @Test(
    arguments: [
      ("0::/system.slice/system-sluice.slice/sluice@b.service\n", "b"),
      ("1:name=systemd:/x\n0::/system.slice/sluice@a-1.service", "a-1"),
      ("0::/system.slice/sluice.service\n", nil), ("0::/\n", nil), (nil, nil),
      ("0::/user.slice/user-0.slice/user@0.service/app.slice/x.scope\n", nil),
      ("0::/system.slice/sluice@.service\n", nil),
    ] as [(String?, String?)])
  func theInstanceIsTheUnits(groups: String?, expected: String?) {
    #expect(TransactionalIdentity.instance(groups: groups) == expected)
  }
}
