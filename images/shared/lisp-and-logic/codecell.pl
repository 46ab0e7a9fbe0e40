% What swipl's own way of running a script lacks: an uncaught error is told with the lines it went through, and a
% program whose initialization goal or directive failed ends with 1, as one whose main failed does.
:- module(codecell, [finish/0]).
:- use_module(library(prolog_stack)).

:- dynamic failed/0.
:- multifile user:message_hook/3.
:- dynamic user:message_hook/3.

user:message_hook(Message, _, _) :-
    failure(Message),
    \+ failed,
    assertz(failed),
    fail.

failure(initialization_failure(_, _)).
failure(goal_failed(directive, _)).

finish :-
    failed,
    !,
    halt(1).
finish :-
    halt.
