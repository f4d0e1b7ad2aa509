extension ModelConfiguration {
  /// Multiplications with an addition each that the encoder needs for one token of a sequence of
  /// `length` tokens: twice as many operations.
  ///
  /// With hidden size h, intermediate size i and a relative table of 2k rows, each layer has the
  /// four maps of attention (4h²), scores and weighted values (2h·n), a term of each kind of
  /// position (h·min(2k, 2n - 1)) and the feed-forward (2h·i).
  package func multiplyAdds(length: Int) -> Int {
    var layer = 4 * hidden * hidden + 2 * hidden * intermediate + 2 * hidden * length
    if let relative {
      let terms = (relative.contentToPosition ? 1 : 0) + (relative.positionToContent ? 1 : 0)
      layer += terms * hidden * min(2 * relative.span, 2 * length - 1)
    }
    let projection = embedding == hidden ? 0 : embedding * hidden
    let neighbours = convolution.map { $0.taps * hidden * hidden / $0.groups } ?? 0
    return layers * layer + projection + neighbours
  }
}
