internal import FoundationEssentials
internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct ExaminationTests {
    @Test func `an examination survives its JSON`() throws {
        let examination = Specimen.whole
        let json = try JSONText.pretty(examination)
        #expect(try JSONReport.examination(Array(json.utf8)) == examination)
        #expect(json.contains("\"schema\" : \"outpost-examination/1\""))
        #expect(json.hasSuffix("}\n"))
        #expect(try JSONText.pretty(examination) == json)
    }

    @Test func `another schema is refused by name`() throws {
        let json = try JSONText.pretty(Specimen.calm).replacing("outpost-examination/1", with: "outpost-examination/2")
        let failure = #expect(throws: DecodingError.self) { try JSONReport.examination(Array(json.utf8)) }
        #expect("\(String(describing: failure))".contains("outpost-examination/2"))
    }

    @Test func `every truncation of an examination is refused`() throws {
        let json = Array(try JSONText.line(Specimen.calm).utf8)
        for count in 0..<json.count {
            #expect(throws: DecodingError.self) { try JSONReport.examination(Array(json[..<count])) }
        }
    }

    @Test func `path metadata has the link protocol's fields and says null for what is unknown`() throws {
        var path = Specimen.path
        #expect(
            try JSONText.line(path) == """
                {"build_hash":"abcdef","build_version":"1.0.0","clock_error_us":900,"cpu_load":0.1,"iface":"eth0",\
                "load_avg":[0.2,0.1,0.05],"memory_total_mb":2000,"memory_used_mb":500,"mtu":1500,\
                "rx_bytes_per_sec":1000,"time_synced":true,"tx_bytes_per_sec":1000}
                """
        )
        path.timeSynced = nil
        #expect(try JSONText.line(path).contains(#""time_synced":null"#))
        let decoded = try JSONDecoder().decode(PathMetadata.self, from: Data(try JSONText.line(path).utf8))
        #expect(decoded == path)
        #expect(decoded.clockWords == "unknown")
    }

    @Test func `load averages that are not three are refused`() throws {
        let json = try JSONText.line(Specimen.path).replacing("[0.2,0.1,0.05]", with: "[0.2]")
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(PathMetadata.self, from: Data(json.utf8)) }
    }

    @Test func `latency travels with the unit in every key`() throws {
        let json = try JSONText.line(Specimen.latency)
        for key in [
            "\"p95_ms\"", "\"rate_limited\":0", "\"from_ms\"", "\"time_sec\"", "\"lost_up\"",
            "\"interval_ms\":50",
        ] {
            #expect(json.contains(key))
        }
        #expect(try JSONDecoder().decode(LatencyResult.self, from: Data(json.utf8)) == Specimen.latency)
    }
}
