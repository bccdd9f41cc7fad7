internal import LinkMeasurement
internal import Operations
internal import PacketIO
internal import Paramedic
internal import Reflector

/// Rates, durations, moments and tokens in text.
enum QuantityProperties {
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        if let rate = BitRate.parse(text) {
            try require((1...10_000_000_000_000).contains(rate), "a rate is \(rate) bit/s")
            try require(BitRate.parse("\(rate)") == rate, "\(rate) bit/s is not read as it was written")
        }
        let duration: Duration?
        do throws(DurationText.Malformed) { duration = try DurationText.parse(text) } catch {
            try ErrorText.check(error)
            duration = nil
        }
        if let duration {
            try require((.zero...DurationText.longest).contains(duration), "a duration is \(duration)")
            let again = try? DurationText.parse(DurationText.format(duration))
            try require(again == duration, "\(duration) is not read as it was written")
        }
        try checkMoment(text)
        if let token = AccessToken(hex: text) {
            try require(AccessToken(token.bytes) == token, "a token's bytes are not the token")
            try require(AccessToken(hex: token.hex) == token, "a token is not read as it was written")
        }
    }

    private static func checkMoment(_ text: String) throws(PropertyBroken) {
        if let moment = Timestamp(text) {
            try require(Timestamp(moment.description) == moment, "\(moment) is not read as it was written")
        }
        do throws(AuditExport.MalformedDate) {
            let moment = try AuditExport.since(text, now: Timestamp(microseconds: 0))
            _ = moment.description
        } catch { try ErrorText.check(error) }
    }
}
