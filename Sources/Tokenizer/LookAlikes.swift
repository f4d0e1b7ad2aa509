/// Letters that people read as other ones.
enum LookAlikes {
  /// The plain letter of a wide, mathematical, circled or squared one, or of a Roman numeral: its
  /// compatibility decomposition, and itself where it has none of one character.
  static func unstyled(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    if let plain = single[scalar] { return plain }
    for style in styles where style.scalars.contains(scalar.value) {
      let place = (scalar.value - style.scalars.lowerBound) % UInt32(style.plain.count)
      return style.plain[Int(place)]
    }
    return scalar
  }

  private struct Style {
    let scalars: ClosedRange<UInt32>
    /// What they stand for, again and again.
    let plain: [Unicode.Scalar]

    init(_ scalars: ClosedRange<UInt32>, _ plain: String) {
      self.scalars = scalars
      self.plain = Array(plain.unicodeScalars)
    }
  }

  private static let capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  private static let styles = [
    Style(0xFF10...0xFF19, "0123456789"), Style(0xFF21...0xFF3A, capitals),
    Style(0xFF41...0xFF5A, capitals.lowercased()),
    Style(0x1D400...0x1D6A3, capitals + capitals.lowercased()),
    Style(0x1D7CE...0x1D7FF, "0123456789"),
    Style(0x24B6...0x24E9, capitals + capitals.lowercased()),
    Style(0x249C...0x24B5, capitals.lowercased()),
    Style(0x2460...0x2468, "123456789"),
    Style(0x1F110...0x1F129, capitals), Style(0x1F130...0x1F149, capitals),
    Style(0x1F150...0x1F169, capitals), Style(0x1F170...0x1F189, capitals),
  ]

  /// Letters that mathematics had before it got alphabets, and Roman numerals of one letter.
  private static let single = pairs(
    "ℊgℋHℌHℍHℎhℐIℑIℒLℕNℙPℚQℛRℜRℝRℤZℨZℬBℭCℂCℯeℰEℱFℳMℴoⅈiⅉjⅆdⅇe" + "ⅠIⅤVⅩXⅬLⅭCⅮDⅯMⅰiⅴvⅹxⅼlⅽcⅾdⅿm")

  /// The Latin letters of others that look like them (UTS 39), and of phonetic small capitals.
  static let latin = pairs(
    "аaсcԁdеeһhіiјjӏlоoрpԛqѕsԝwхxуyѵvкkтtмmвbнh" + "АAВBСCЕEНHІIЈJКKМMОOРPЅSТTХXУYԜWԚQѴV"
      + "αaεeιiκkοoρpτtυuχxϲcνvγyωwηnσoϳj" + "ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX"
      + "ոnսuօoցgհhզqԍgքpյjՏSՍUՕO" + "ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎫJᏦKᏞLᎷMᏢPᎡRᏚSᎢTᏙVᎳWᏃZ"
      + "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzɑaɡgıi")

  private static func pairs(_ text: String) -> [Unicode.Scalar: Unicode.Scalar] {
    var map: [Unicode.Scalar: Unicode.Scalar] = [:]
    var scalars = text.unicodeScalars.makeIterator()
    while let other = scalars.next(), let plain = scalars.next() { map[other] = plain }
    return map
  }
}
