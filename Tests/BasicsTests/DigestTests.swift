import Basics
import Foundation
import TestSupport
import Testing

@Suite struct DigestTests {
  /// FIPS 180-4's examples, and the empty text.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func digestsAreThoseOfTheStandard(text: String, digits: String) {
    let digest = ContentDigest(of: text.utf8)
    #expect(digest.description == digits)
    #expect(ContentDigest(hexadecimal: digits) == digest)
    #expect(ContentDigest(hexadecimal: digits.uppercased()) == digest)
    #expect(ContentDigest(bytes: digest.bytes) == digest)
  }

  @Test func aMillionLettersAndAFileOfThemAgree() throws {
    let content = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    let digits = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(ContentDigest(of: content).description == digits)
    // Longer than a part that is read at once.
    let long = content + content + [0]
    let directory = try TemporaryDirectory()
    try Data(long).write(to: URL(filePath: directory.path + "/file"))
    #expect(try ContentDigest(file: directory.path + "/file") == ContentDigest(of: long))
  }

  @Test func aFileThatIsNotThereIsNamed() {
    let error = #expect(throws: UnreadableFile.self) { try ContentDigest(file: "/nowhere/file") }
    #expect(error?.description == "/nowhere/file: cannot be read: No such file or directory")
  }

  @Test func anExchangeHasTheDigestThatStoresHold() {
    let digest = ContentDigest(prompt: "ab", response: "c")
    #expect(
      digest.description == "6d38234db36d6dcc6ff6702b434e13bcdad84fa7a0aed399b15b83a5fe49d721")
    #expect(digest != ContentDigest(prompt: "a", response: "bc"))
    #expect(digest != ContentDigest(prompt: "ab", response: nil))
    #expect(
      ContentDigest(prompt: "ab", response: "") == ContentDigest(prompt: "ab", response: nil))
  }

  @Test func fractionsAreEvenlySpread() {
    let fractions = (0..<1_000).map { ContentDigest(prompt: "\($0)", response: nil).fraction }
    #expect(fractions.allSatisfy { (0..<1).contains($0) })
    #expect(abs(Double(fractions.count { $0 < 0.1 }) / 1_000 - 0.1) < 0.04)
  }

  @Test(arguments: [
    "", "00", String(repeating: "g", count: 64), String(repeating: "+f", count: 32),
  ])
  func otherTextsAreNoDigests(text: String) {
    #expect(ContentDigest(hexadecimal: text) == nil)
  }

  @Test func bytesAreTwoSmallDigitsEach() {
    let bytes = (0...255).map { UInt8($0) }
    let text = Hexadecimal.text(bytes)
    #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff"))
    #expect(Hexadecimal.bytes(text) == bytes)
    #expect(Hexadecimal.bytes("") == [])
    for text in ["0", "0g", "AB", "+1", "0x", " 1", "é1"] {
      #expect(Hexadecimal.bytes(text) == nil, "\(text)")
    }
    #expect(Hexadecimal.text(UInt64(0x0123_4567_89AB_CDEF)) == "0123456789abcdef")
    #expect(Hexadecimal.text(UInt64(1)) == "0000000000000001")
  }
}
