// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The option lapic_timer_khz=N gives the frequency of the local APIC timer, so the kernel need not measure it.
 *
 * A measurement takes 0.1 s. If a busy host stops the virtual processor meanwhile, the result is wrong: timers are late
 * or early, or the kernel finds the timer broken and never boots. In KVM and in QEMU the frequency is a constant.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <asm/apic.h>

static int __init set_lapic_timer_khz(char *text)
{
	unsigned int khz;
	int error = kstrtouint(text, 10, &khz);

	if (!error)
		lapic_timer_period = div_u64(1000ull * khz, HZ);
	return error;
}
early_param("lapic_timer_khz", set_lapic_timer_khz);
