internal import Foundation
internal import Operations
internal import Testing

@Suite struct TimestampTests {
    @Test func `known moments are written as RFC 3339 has them`() {
        #expect("\(Timestamp(microseconds: 0))" == "1970-01-01T00:00:00.000000Z")
        #expect("\(Timestamp(microseconds: -1))" == "1969-12-31T23:59:59.999999Z")
        #expect("\(Timestamp(microseconds: 951_782_400_000_001))" == "2000-02-29T00:00:00.000001Z")
        #expect("\(Timestamp(microseconds: .max))" == "9999-12-31T23:59:59.999999Z")
        #expect("\(Timestamp(microseconds: .min))" == "0000-01-01T00:00:00.000000Z")
    }

    @Test func `every day of four centuries agrees with Foundation and comes back`() throws {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for day in stride(from: Int64(-36_524), through: 110_000, by: 7) {
            let moment = Timestamp(microseconds: day * 86_400_000_000 + 12_345_678)
            let parts = calendar.dateComponents(
                [.year, .month, .day],
                from: Date(timeIntervalSince1970: Double(day) * 86_400)
            )
            let words = "\(moment)".prefix(10).split(separator: "-").compactMap { Int($0) }
            #expect(words == [parts.year, parts.month, parts.day])
            #expect(Timestamp("\(moment)") == moment)
        }
    }

    @Test func `offsets, fractions and dates alone are read`() {
        let noon = Timestamp("2026-01-31T12:00:00Z")
        #expect(noon != nil)
        for text in [
            "2026-01-31T13:30:00+01:30", "2026-01-31t12:00:00.000z", "2026-01-31 12:00:00Z",
            "2026-01-30T23:00:00-13:00",
            "2026-01-31T12:00:00.000000999Z",
        ] {
            #expect(Timestamp(text) == noon, "\(text)")
        }
        #expect(Timestamp("2026-01-31") == Timestamp("2026-01-31T00:00:00Z"))
    }

    @Test func `what is no moment is refused`() {
        for text in [
            "", "2026", "2026-02-29", "2026-04-31", "2026-00-01", "2026-01-00", "2026-01-31T", "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00.0000000000Z", "2026-01-31T12:00:00+25:00", "2026-01-31T12:00:00Zx", "+026-01-31",
            "２０２６-01-31",
            "0000-01-01T00:00:00+00:01",
        ] {
            #expect(Timestamp(text) == nil, "\(text)")
        }
    }
}
