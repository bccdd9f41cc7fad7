internal import Operations
internal import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("30s", Duration.seconds(30)), ("10m", .seconds(600)), ("1h", .seconds(3600)), ("1d", .seconds(86_400)),
        ("250ms", .milliseconds(250)), ("1h30m", .seconds(5400)), ("0s", .zero),
        ("1d2h3m4s5ms", .milliseconds(93_784_005)),
    ])
    func `durations are read and written the same`(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(DurationText.format(duration) == text)
    }

    @Test func `the shortest exact text is written`() {
        #expect(DurationText.format(.seconds(90)) == "1m30s")
        #expect(DurationText.format(.seconds(120 * 60)) == "2h")
        #expect(DurationText.format(.nanoseconds(1)) == "0s")
        #expect(DurationText.format(.seconds(-5)) == "0s")
        #expect(
            DurationText.format(.seconds(Int64.max)).hasSuffix("ms")
                || !DurationText.format(.seconds(Int64.max)).isEmpty
        )
    }

    @Test(arguments: [
        ("", "empty"), ("30", "unit is missing"), ("s", "number is missing"), ("30x", "unknown unit"),
        ("-1s", "number is missing"),
        ("1m1h", "descending"), ("1s1s", "descending"), ("99999999999999999999s", "too large"),
        ("9223372036854775807d", "ten years"),
        ("4000d", "ten years"), ("1 s", "unknown unit"), ("1.5s", "unknown unit"), ("１s", "number is missing"),
        ("30s\u{1b}[31m", "unknown unit"),
    ])
    func `what is no duration says why`(text: String, reason: String) {
        #expect { try DurationText.parse(text) } throws: { error in
            let sentence = "\(error)"
            return sentence.contains(reason) && sentence.contains("10m")
                && !sentence.unicodeScalars.contains { $0.value < 32 }
        }
    }
}
