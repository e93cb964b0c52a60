"""Projects, tasks and what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.case import Case

CASES: Mapping[str, Case] = {
    "project.list": Case(),
    "project.create": Case(),
    "project.get": Case(),
    "project.update": Case(),
    "project.delete": Case(),
    "project.dashboard_activity": Case(),
    "project.activity": Case(),
    "project.all_tasks": Case(),
    "project.change_priority": Case(),
    "project.change_status": Case(),
    "project.change_category": Case(),
    "task.list": Case(),
    "task.create": Case(),
    "task.get": Case(),
    "task.update": Case(),
    "task.delete": Case(),
    "task.change_order": Case(),
    "task.change_container": Case(),
    "task.change_priority": Case(),
    "task.mark_complete": Case(),
    "task_label.add": Case(),
    "task_label.remove": Case(),
    "task_label.add_assignee": Case(),
    "task_label.remove_assignee": Case(),
    "task_file.list_all_task_files": Case(),
    "task_file.list": Case(),
    "task_file.attach": Case(),
    "task_file.delete": Case(),
    "task_file.list_project_files": Case(),
    "discussion.list": Case(),
    "discussion.create": Case(),
    "discussion.list_files": Case(),
    "container.create": Case(),
    "container.rename": Case(),
    "container.change_color": Case(),
    "container.change_order": Case(),
    "container.delete": Case(),
    "container.move_all_tasks": Case(),
    "project_attribute.list": Case(),
    "project_attribute.create": Case(),
    "project_attribute.update": Case(),
    "project_attribute.delete": Case(),
    "project_attribute.bulk_update_tags": Case(),
    "project_attribute.bulk_update_categories": Case(),
}
