/*
 * power.h - the ways out of the machine.  All of them send what the serial port
 * still holds first, and none returns.
 */
#ifndef DRIVERS_POWER_H
#define DRIVERS_POWER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Before paging: look whether there is firmware that a reset would lead to.  Where a
 * loader is all there is (v86 without a BIOS) there is none.
 */
void power_init(void);
/* Was there?  Else power_reboot() says so, and stands still. */
bool power_can_reboot(void);

/*
 * End QEMU with a status (0 to 63) by its test exit; without one, power off.
 * QEMU's own status is then (32 + status) * 2 + 1, which no failure of its own
 * gives.
 */
void power_exit(uint32_t status) __attribute__((noreturn));

/* End QEMU with status 3: the kernel has failed.  Returns if there is no test exit. */
void power_fail(void);

void power_off(void) __attribute__((noreturn));
void power_reboot(void) __attribute__((noreturn));

/*
 * Stand still, interrupts off, for good.  What is typed is thrown away, but for R alone,
 * which starts the machine again.
 */
void power_stop(void) __attribute__((noreturn));

#endif
