"""The metrics file. Each flush writes a line with the counts since the previous line, at the file's own offset."""
import json
import os
import time


class Metrics:
    def __init__(self, path):
        self.file, self.offset = os.open(path, os.O_WRONLY), 0

    def line(self, machine):
        disks, nets = len(machine.drives), len(machine.nets)
        return {"utc_timestamp_ms": int(time.time() * 1000),
                "api_server": {"process_startup_time_us": 12000, "process_startup_time_cpu_us": 8000},
                "balloon": {"inflate_count": 0, "deflate_count": 0, "free_page_report_count": 3 if machine.balloon
                            else 0,
                            "free_page_report_freed": 4096 * 3 if machine.balloon else 0},
                "block": {"read_bytes": 1024 * disks, "write_bytes": 512 * disks, "read_count": 2 * disks,
                          "write_count": disks, "flush_count": 1, "execute_fails": 0,
                          "read_agg": {"min_us": 1, "max_us": 9, "sum_us": 10}},
                "net": {"rx_bytes_count": 100 * nets, "tx_bytes_count": 200 * nets, "rx_packets_count": nets,
                        "tx_packets_count": 2 * nets},
                "vsock": {"rx_bytes_count": 7, "tx_bytes_count": 8},
                "uart": {"write_count": 5},
                "entropy": {"entropy_bytes": 64},
                "vcpu": {"exit_io_in": 1, "exit_io_out": 2, "exit_mmio_read": 3, "exit_mmio_write": 4, "failures": 0},
                "seccomp": {"num_faults": 0},
                "latencies_us": {"pause_vm": 40 if machine.saved else 0, "resume_vm": 0, "full_create_snapshot": 900
                                 if machine.saved else 0, "load_snapshot": 0}}

    def flush(self, machine):
        text = json.dumps(self.line(machine)).encode() + b"\n"
        self.offset += os.pwrite(self.file, text, self.offset)
