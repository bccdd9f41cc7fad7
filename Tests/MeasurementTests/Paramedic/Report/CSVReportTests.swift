internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct CSVReportTests {
    @Test func `the header is fixed`() {
        #expect(
            CSVReport.header == """
                examination_id,started_at,reflector,reflector_id,record,phase,direction,start_sec,end_sec,moved_bytes,\
                sent_bytes,sent_bps,received_bps,retransmits,sent,received,lost,loss_percent,lost_up,lost_down,rate_limited,jitter_ms,\
                rtt_min_ms,rtt_mean_ms,rtt_p50_ms,rtt_p95_ms,rtt_p99_ms,rtt_max_ms,load_down_bps,load_up_bps,increase_ms,\
                round_trips_per_minute,grade,limit,text\r\n
                """
        )
    }

    @Test func `a throughput result has a row for its sum and one for each interval`() {
        #expect(
            CSVReport.text(Specimen.throughput(.up, rate: 18e6)) == CSVReport.header + """
                ,,,,throughput,upload,up,0,10,22500000,22500000,18000000,18000000,0,,,,,,,,,,,,,,,,,,,,,\r
                ,,,,throughput_interval,upload,up,0,5,11250000,,,18000000,0,,,,,,,,,,,,,,,,,,,,,\r
                ,,,,throughput_interval,upload,up,5,10,11250000,,,18000000,0,,,,,,,,,,,,,,,,,,,,,\r\n
                """
        )
    }

    @Test func `every row has a cell for every column`() {
        let rows = CSVReport.text([Specimen.whole, Specimen.calm]).split(separator: "\r\n")
        #expect(rows.count == 1 + (1 + 3 + 3 + 1 + 4) + (1 + 3 + 3))
        for row in rows where !row.contains("\"") {
            #expect(row.split(separator: ",", omittingEmptySubsequences: false).count == CSVReport.columns.count)
        }
    }

    @Test(arguments: [
        ("=1+1", "\"'=1+1\""), ("+1", "\"'+1\""), ("-1", "\"'-1\""), ("@SUM(A1)", "\"'@SUM(A1)\""), (" =1", "\"' =1\""),
        ("\t=1", "?=1"),
        ("＝1", "\"'＝1\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("two\r\nlines", "two??lines"),
        ("=cmd|'/c calc'!A1,\"x\"", "\"'=cmd|'/c calc'!A1,\"\"x\"\"\""), ("plain", "plain"), ("", ""),
    ])
    func `a name cannot become a formula or break its cell`(name: String, cell: String) {
        var examination = Specimen.calm
        examination.id = "id"
        examination.reflector.name = name
        examination.download = nil
        examination.upload = nil
        let row = CSVReport.text([examination]).split(separator: "\r\n")[1]
        #expect(row.hasPrefix("id,2026-11-21T02:32:49.120Z,\(cell),PP-VPS,examination,"), "\(row)")
    }
}
