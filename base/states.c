#include "base/states.h"

#include "base/log.h"

#include <assert.h>

void states_move(const struct states *states, unsigned from, unsigned to, const char *id)
{
    assert(states_legal(states, from, to));
    log_event(LOG_DEBUG, "state.moved", LOG_STR("subject", states->subject), LOG_STR("id", id),
              LOG_STR("from", states->names[from]), LOG_STR("to", states->names[to]));
}
