/* What ProtectClock= does to the daemon: it may not ask the kernel how good its clock is. For LD_PRELOAD. */
#include <errno.h>

int adjtimex(void *timex)
{
	(void)timex;
	errno = EPERM;
	return -1;
}
